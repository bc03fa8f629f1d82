import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

// Types are the compiler's to check; the linter looks at what it does not see, and stays quick.
export default defineConfig(
  { ignores: ["dist", ".wrangler"] },
  { files: ["**/*.ts"], extends: [tseslint.configs.strict, tseslint.configs.stylistic] },
);
