// Small helpers of the pages: the token on htmx requests, confirmation before a write, files sent with their progress.
(() => {
  "use strict";
  const token = () => document.body.dataset.csrf || "";

  document.addEventListener("htmx:config:request", (event) => {
    const request = event.detail.ctx ? event.detail.ctx.request : event.detail;
    if (token() && request && request.headers) request.headers["X-CSRF-Token"] = token();
  });

  // Airflow shows the pages in a frame where browsers open no dialogs: there the button itself asks, and a second click means yes.
  const isSure = (form, submitter) => {
    if (window.self === window.top) return window.confirm(form.dataset.ask);
    if (form.dataset.asked) return true;
    const button = submitter || form.querySelector("button");
    const words = button.textContent;
    form.dataset.asked = "1";
    button.textContent = `${form.dataset.ask} Bấm lần nữa để xác nhận.`;
    document.getElementById("told").textContent = button.textContent;
    window.setTimeout(() => { delete form.dataset.asked; button.textContent = words; }, 10000);
    return false;
  };

  // <form data-ask="…"> asks before it is sent; a second click on a sent form does nothing.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.ask && !isSure(form, event.submitter)) { event.preventDefault(); return; }
    if (form.method === "post" && !form.hasAttribute("hx-post")) {
      if (form.dataset.sent) { event.preventDefault(); return; }
      if (!form.dataset.upload) form.dataset.sent = "1";
    }
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });

  // On a phone the pages stand in one row that scrolls: the one that is open is in view.
  const open = document.querySelector(".top nav [aria-current]");
  if (open) open.parentElement.parentElement.scrollLeft = open.offsetLeft - 40;

  // <select data-go>: choosing with the mouse or a finger sends the form. With the keyboard each arrow key is a choice, so the
  // button beside it sends.
  let isKeyed = false;
  document.addEventListener("keydown", () => { isKeyed = true; }, true);
  document.addEventListener("pointerdown", () => { isKeyed = false; }, true);
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-go]") && !isKeyed) event.target.form.requestSubmit();
  });
})();
