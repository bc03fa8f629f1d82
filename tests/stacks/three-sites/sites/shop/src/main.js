import { colour, imprint, name } from "@three/brand";

const heading = document.querySelector("#name");
heading.textContent = name;
heading.style.color = colour;
document.querySelector("#imprint").textContent = imprint(new Date().getFullYear());
