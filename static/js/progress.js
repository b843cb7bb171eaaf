// Shows how far a long piece of work has come, until it ends.

import { sync } from "./parts.js";
import { pageOf, wait } from "./shared.js";

const PAUSE = 1000;

// Whether the work goes on.
const step = async () => {
  if (document.hidden) return true;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return true;
  const page = pageOf(await answer.text());
  sync(document.querySelector("main"), page.querySelector("main"));
  return page.querySelector("progress") !== null;
};

do await wait(PAUSE);
while (await step());
