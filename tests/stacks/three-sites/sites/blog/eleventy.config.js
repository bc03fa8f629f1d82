import { imprint, name } from "@three/brand";

export default function (config) {
  config.addGlobalData("brand", { name, imprint: imprint(2026) });
}
