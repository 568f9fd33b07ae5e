// Every page: times in the reader's own zone, with UTC when pointed at. Without this they are UTC, as they were written.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const written = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{3})?$/;

const two = (number) => String(number).padStart(2, "0");

function inOwnZone(moment, digits) {
  const date = [moment.getFullYear(), two(moment.getMonth() + 1), two(moment.getDate())].join("-");
  const clock = [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(two).join(":");
  return `${date} ${clock}${digits ? `.${String(moment.getMilliseconds()).padStart(3, "0")}` : ""}`;
}

// A time in other words, such as "2 hours ago", keeps them and tells its own zone when pointed at as well.
function showInOwnZone(time) {
  const moment = new Date(time.dateTime);
  if (time.title || Number.isNaN(moment.getTime())) return;
  const utc = `${time.dateTime.slice(0, 19).replace("T", " ")} UTC`;
  const match = written.exec(time.textContent.trim());
  time.title = match ? utc : `${inOwnZone(moment)} (${utc})`;
  if (match) time.textContent = inOwnZone(moment, match[1]);
}

function showAll(root) {
  for (const time of root.querySelectorAll("time[datetime]")) showInOwnZone(time);
  for (const label of root.querySelectorAll(".zone")) label.textContent = label.textContent.replace("UTC", zone);
}

showAll(document);
// htmx tells of everything it brings, also the rows beside the one it names.
document.addEventListener("htmx:load", (event) => showAll(event.target.parentElement ?? document));
