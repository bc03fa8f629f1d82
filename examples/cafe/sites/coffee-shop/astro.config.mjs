import { defineConfig, envField } from "astro/config";

export default defineConfig({
  site: "https://coffee-shop.example",
  trailingSlash: "always",
  env: {
    // Read at build time and built into the pages, so for everybody to see.
    schema: {
      PUBLIC_INTAKE_URL: envField.string({
        context: "client",
        access: "public",
        url: true,
        default: "https://intake.coffee-shop.example",
      }),
      // Tells the Worker that this site sends; it keeps stray bots out, not a determined person.
      PUBLIC_INTAKE_KEY: envField.string({ context: "client", access: "public", default: "" }),
    },
  },
});
