/** The coffees that the front window shows; the whole menu is Django's. */

export interface Coffee {
  readonly slug: string;
  readonly name: string;
  readonly origin: string;
  readonly text: string;
}

export const coffees: readonly Coffee[] = [
  {
    slug: "house-espresso",
    name: "House espresso",
    origin: "Brazil and Ethiopia",
    text: "Chocolate first, then a little orange. What most people here drink.",
  },
  {
    slug: "slow-filter",
    name: "Slow filter",
    origin: "Kenya",
    text: "Five minutes in the making, blackcurrant in the cup.",
  },
  {
    slug: "cold-brew",
    name: "Cold brew",
    origin: "Guatemala",
    text: "Sixteen hours in the fridge. Gone by three on hot days.",
  },
];
