// Asks for a layout: small ones at once, large ones from a worker.

// @ts-expect-error: the text of a script, by a plugin of build.mjs
import script from "worker:./arrange.worker.ts";
import { arrange, type Arrangement, type Wish } from "./arrange";
import { byRows } from "./stage";

/** Up to here a layout takes less time than starting a worker. */
const SMALL = 60;
/** From here on it takes so long that there is a sketch first. */
const LARGE = 400;

/** Something to look at while a large network is laid out; null where that takes no time. */
export const sketched = (wish: Wish): Arrangement | null => (wish.nodes.length > LARGE ? arrange(wish, byRows) : null);

export async function arranged(wish: Wish): Promise<Arrangement> {
  if (wish.nodes.length <= SMALL) return arrange(wish);
  try {
    return await elsewhere(wish);
  } catch {
    return arrange(wish); // where no worker may be started the page waits
  }
}

function elsewhere(wish: Wish): Promise<Arrangement> {
  const address = URL.createObjectURL(new Blob([script as string], { type: "text/javascript" }));
  const worker = new Worker(address);
  return new Promise<Arrangement>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Arrangement>) => resolve(data);
    worker.onerror = () => reject(new Error("the worker failed"));
    worker.postMessage(wish);
  }).finally(() => {
    worker.terminate();
    URL.revokeObjectURL(address);
  });
}
