import { expect, test } from "vitest";
import { bytes, percent, rough, seconds, whole } from "../../src/shared/format";

test("numbers as they are read", () => {
  expect(whole(14492160)).toBe("14,492,160");
  expect(rough(0.0043641)).toBe("0.00436");
  expect(rough(0)).toBe("0");
  expect(rough(1.5e-7)).toBe("1.50e-7");
  expect(rough(Infinity)).toBe("Infinity");
  expect([0, 999, 1536, 1960179, 3.2e9].map(bytes)).toEqual(["0 B", "999 B", "1.5 kB", "2.0 MB", "3.2 GB"]);
  expect([0.0573, 0.00037, 1].map(percent)).toEqual(["5.7%", "0.04%", "100%"]);
  expect([0.331, 61.23].map(seconds)).toEqual(["0.33 s", "61.2 s"]);
});
