// Follows the linking of Telegram: «ждём номер → ПИН-код отправлен → связано».

const EVERY = 3000;
const UNTIL = Date.now() + 30 * 60 * 1000; // an open tab must not keep the session alive for ever
const progress = document.getElementById("bot-progress");

function stateOf(root) {
  return root.querySelector("#bot-state").dataset.state;
}

function botOf(root) {
  return root.querySelector("#bot-state").dataset.bot;
}

async function look() {
  const response = await fetch(progress.dataset.url, { redirect: "error", cache: "no-store" });
  if (!response.ok) return;
  const fresh = document.createElement("div");
  fresh.innerHTML = await response.text();
  const botChanged = botOf(fresh) !== botOf(progress);
  if (stateOf(fresh) === stateOf(progress) && !botChanged) return;
  if (botChanged || ["linked", "unregistered"].includes(stateOf(fresh))) {
    location.reload();
    return;
  }
  for (const part of fresh.querySelectorAll("[id]")) {
    const shown = document.getElementById(part.id);
    shown.innerHTML = part.innerHTML;
    Object.assign(shown.dataset, part.dataset);
  }
}

const timer = setInterval(() => {
  if (Date.now() > UNTIL) clearInterval(timer);
  else if (!document.hidden) look().catch(() => {});
}, EVERY);
