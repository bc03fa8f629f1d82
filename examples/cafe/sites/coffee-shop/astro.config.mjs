import { defineConfig, envField } from "astro/config";

export default defineConfig({
  site: "https://coffee-shop.example",
  trailingSlash: "always",
  env: {
    // Read at build time and written into the pages, so the values are public.
    schema: {
      PUBLIC_INTAKE_URL: envField.string({
        context: "client",
        access: "public",
        url: true,
        default: "https://intake.coffee-shop.example",
      }),
      // Identifies this site to the Worker. It is public, so it stops only simple bots.
      PUBLIC_INTAKE_KEY: envField.string({ context: "client", access: "public", default: "" }),
    },
  },
});
