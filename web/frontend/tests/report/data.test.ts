// @vitest-environment node
import { expect, test } from "vitest";
import { unfit, unpack, type PageData } from "../../src/report/data";

/** What unpack reads of an element; jsdom has no streams, and node no elements. */
const scriptOf = (textContent: string, packing?: string): HTMLElement =>
  ({ textContent, dataset: { packing } }) as unknown as HTMLElement;

test("data is read plain or packed", async () => {
  const data = { schema: "rkmend-page/1", word: "网络 </script>" };
  const stream = new Blob([JSON.stringify(data)]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const packed = btoa(String.fromCharCode(...bytes));
  expect(await unpack(scriptOf(packed, "gzip"))).toEqual(data);
  expect(await unpack(scriptOf(JSON.stringify(data)))).toEqual(data);
});

test("data of another kind is refused", () => {
  expect(unfit({ schema: "rkmend-page/2" } as PageData)).toContain("rkmend-page/2");
  expect(unfit({ schema: "rkmend-page/1" } as PageData)).toContain("headline");
});
