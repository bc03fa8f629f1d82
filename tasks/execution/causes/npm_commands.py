"""Commands that only a package of npm has, and that build scripts often call. Pure."""

_SAME_NAME = (
    "astro concurrently copyfiles cross-env cross-env-shell cross-var cspell del-cli dotenv-cli env-cmd esbuild eslint "
    "eleventy gatsby grunt gulp husky is-ci jest lint-staged mkdirp ncp next nodemon nuxt nx parcel patch-package "
    "pkg-pr-new postcss prettier pretty-quick react-scripts rimraf rollup sass serve shx stylelint svelte-check "
    "svelte-kit svgo tailwindcss terser ts-node tsc-alias tsup tsx turbo typedoc vite vitepress vitest vue-tsc "
    "webpack wireit wrangler xo zx"
)
NPM_COMMANDS = {name: name for name in _SAME_NAME.split()} | {
    "cross-env-shell": "cross-env",
    "del": "del-cli",
    "dotenv": "dotenv-cli",
    "eleventy": "@11ty/eleventy",
    "gulp": "gulp",
    "npm-run-all": "npm-run-all",
    "postcss": "postcss-cli",
    "run-p": "npm-run-all",
    "run-s": "npm-run-all",
    "svelte-kit": "@sveltejs/kit",
    "tailwindcss": "@tailwindcss/cli",
    "tsc": "typescript",
    "vue-cli-service": "@vue/cli-service",
    "webpack": "webpack-cli",
    "ng": "@angular/cli",
}
"""The package of each command."""
