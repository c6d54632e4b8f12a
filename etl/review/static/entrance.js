// The unit's upload: size asked before sending, progress while sending, then the result. Without this the form works alone.
(() => {
  "use strict";
  const form = document.querySelector("form[data-upload]");

  const fail = (text) => {
    const fault = form.querySelector("[data-fault]");
    fault.textContent = text;
    fault.hidden = false;
    form.querySelector("[data-progress]").hidden = true;
    form.querySelector("button").disabled = false;
    fault.scrollIntoView({ block: "nearest" });
  };

  const send = () => {
    const file = form.querySelector("input[type=file]").files[0];
    const most = Number(form.dataset.most);
    if (!file) { fail("Hãy chọn tệp báo cáo rồi bấm Nộp tệp."); return; }
    if (file.size > most) {
      fail(`Tệp lớn hơn ${Math.floor(most / 1048576)} MB nên không gửi được. Hãy xóa ảnh, trang tính và định dạng thừa rồi nộp lại.`);
      return;
    }
    form.querySelector("[data-fault]").hidden = true;
    form.querySelector("button").disabled = true;
    const shown = form.querySelector("[data-progress]");
    const bar = shown.querySelector("progress");
    const state = shown.querySelector("[data-state]");
    shown.hidden = false;
    bar.value = 0;
    state.textContent = "Đang gửi…";
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      bar.value = Math.floor((100 * event.loaded) / event.total);
      state.textContent = `Đã gửi ${bar.value}%`;
    });
    request.upload.addEventListener("load", () => {
      bar.removeAttribute("value");
      state.textContent = "Đã gửi xong, đang kiểm tra…";
    });
    request.addEventListener("load", () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { answer = {}; }
      if (request.status === 200 && answer.location) { window.location.assign(answer.location); return; }
      if (answer.text) { fail(answer.text); return; }
      if (request.status === 413) fail("Tệp lớn hơn giới hạn được nhận. Hãy xóa ảnh, trang tính và định dạng thừa rồi nộp lại.");
      else if (request.status === 429) fail("Đường dẫn này vừa nộp quá nhiều tệp. Hãy chờ mươi phút rồi nộp lại.");
      else if (request.status === 404 || request.status === 410 || request.status === 403) window.location.reload();
      else fail("Hệ thống chưa nhận được tệp. Hãy thử lại sau ít phút.");
    });
    request.addEventListener("error", () => fail("Mất kết nối, tệp chưa gửi xong. Hãy kiểm tra mạng rồi nộp lại."));
    request.send(new FormData(form));
  };

  if (form) {
    form.addEventListener("submit", (event) => { event.preventDefault(); send(); });
  }

  // A page that waits for the verdict asks now and then, and opens itself anew when it is there.
  const waiting = document.querySelector("[data-poll]");
  if (waiting) {
    const ask = async () => {
      try {
        const answer = await fetch(waiting.dataset.poll, { headers: { Accept: "application/json" } });
        if (answer.ok && !(await answer.json()).pending) { window.location.reload(); return; }
      } catch { /* asked again below */ }
      window.setTimeout(ask, 3000);
    };
    window.setTimeout(ask, 2000);
  }
})();
