import { defineConfig } from "astro/config";

export default defineConfig({
  site: "https://three.example",
  // Served below the shop's domain.
  base: "/docs",
  trailingSlash: "always",
});
