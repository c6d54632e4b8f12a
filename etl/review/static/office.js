// Small helpers of the pages: the token on htmx requests, confirmation before a write, files sent with their progress.
(() => {
  "use strict";
  const token = () => document.body.dataset.csrf || "";

  document.addEventListener("htmx:config:request", (event) => {
    const request = event.detail.ctx ? event.detail.ctx.request : event.detail;
    if (token() && request && request.headers) request.headers["X-CSRF-Token"] = token();
  });

  // <form data-ask="…"> asks before it is sent; a second click on a sent form does nothing.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.ask && !window.confirm(form.dataset.ask)) { event.preventDefault(); return; }
    if (form.method === "post" && !form.hasAttribute("hx-post")) {
      if (form.dataset.sent) { event.preventDefault(); return; }
      if (!form.dataset.upload) form.dataset.sent = "1";
    }
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });

  // <select data-go> and filters: choosing sends the form.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-go]")) event.target.form.requestSubmit();
  });
})();
