/** The Worker's entry point: joins the application to the real database. */

import { type Env, handle } from "./app";
import { neonInbox } from "./inbox";

export default {
  fetch: (request, env) => handle(request, env, neonInbox),
} satisfies ExportedHandler<Env>;
