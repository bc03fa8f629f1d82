const MOVED = {
  "/menu": "/drinks",
  "/opening-hours": "/visit#hours",
};

export default {
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname === "/health") return new Response("ok");
    const target = MOVED[url.pathname];
    return target ? Response.redirect(new URL(target, url).href, 301) : new Response("Not found", { status: 404 });
  },
};
