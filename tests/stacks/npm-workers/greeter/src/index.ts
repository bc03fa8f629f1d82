import { greeting } from "./greeting";

interface Env {
  FALLBACK: string;
}

export default {
  fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/health") return Response.json({ status: "ok" });
    if (pathname !== "/") return new Response("Not found", { status: 404 });
    return new Response(greeting(request.headers.get("Accept-Language"), env.FALLBACK));
  },
} satisfies ExportedHandler<Env>;
