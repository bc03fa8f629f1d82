"""Rows of the fault matrix for sites and packages that Node builds."""

from tests.faults.fault import SITE, Fault, open_, red, replace, write

ABOUT = f"{SITE}/src/pages/about.astro"
IMPORT = '/Page.astro";\n'
MANIFEST = '{"name": "admin", "private": true, "scripts": {"build": "node make.mjs"}}\n'
LISTED = '{"name": "list", "version": "1.0.0", "type": "module", "main": "list.js"}\n'
LINKED = """{"name": "prices", "version": "1.0.0", "main": "dist/a.js", "scripts": {"build": "node make.mjs"},
  "dependencies": {"list": "file:list"}
}
"""
LINKED_LOCK = """{"name": "prices", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {
  "": {"name": "prices", "version": "1.0.0", "dependencies": {"list": "file:list"}},
  "list": {"version": "1.0.0"},
  "node_modules/list": {"resolved": "list", "link": true}
}}
"""
LINKING = """{"name": "admin", "private": true, "scripts": {"build": "node -p 1"},
  "dependencies": {"prices": "file:../../libs/prices"}
}
"""
LINKING_LOCK = """{"name": "admin", "lockfileVersion": 3, "requires": true, "packages": {
  "": {"name": "admin", "dependencies": {"prices": "file:../../libs/prices"}},
  "../../libs/prices": {"version": "1.0.0"},
  "node_modules/prices": {"resolved": "../../libs/prices", "link": true}
}}
"""
SITE_FAULTS = (
    Fault(
        name="a page that fetches from a host that does not exist here",
        edits=(replace(ABOUT, IMPORT, IMPORT + 'await fetch("https://cms.predeploy.invalid/menu");\n'),),
        red=(open_("site_coffee_shop", "network", "", "fetch failed"),),
        exit=3,
    ),
    Fault(
        name="a package without a generator, whose build script fails",
        edits=(
            write("apps/admin/package.json", MANIFEST),
            write("apps/admin/make.mjs", 'throw new Error("no menu to write");\n'),
        ),
        red=(red("package_admin", "build_failed", "apps/admin/make.mjs:1", "no menu to write"),),
    ),
    Fault(
        name="a linked package with a lock of its own, whose build fails",
        edits=(
            write("libs/prices/package.json", LINKED),
            write("libs/prices/package-lock.json", LINKED_LOCK),
            write("libs/prices/list/package.json", LISTED),
            write("libs/prices/list/list.js", "export const prices = [];\n"),
            write(
                "libs/prices/make.mjs",
                'import { prices } from "list";\nif (!prices.length) throw new Error("no prices to write");\n',
            ),
            write("apps/admin/package.json", LINKING),
            write("apps/admin/package-lock.json", LINKING_LOCK),
        ),
        red=(red("package_admin", "build_failed", "libs/prices/make.mjs:2", "no prices to write"),),
    ),
)
