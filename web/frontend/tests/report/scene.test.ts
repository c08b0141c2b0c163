import { expect, test } from "vitest";
import { closeUp, short, whole } from "../../src/report/graph/scene";
import { step } from "../../src/report/graph/walk";
import { arrange } from "../../src/report/graph/arrange";
import { wishFor } from "../../src/report/graph/wish";
import { residual } from "./graphs";

test("the whole network: operators, inputs and outputs, and no weights", () => {
  const scene = whole(residual());
  expect(scene.boxes.map(({ kind, title }) => `${kind} ${title}`)).toEqual([
    "node Conv",
    "node Relu",
    "node Add",
    "input x",
    "output y",
  ]);
  expect(scene.wires.map(({ from, to }) => `${scene.boxes[from]!.title} ${scene.boxes[to]!.title}`)).toEqual([
    "x Conv",
    "Conv Relu",
    "Relu Add",
    "x Add",
    "Add y",
  ]);
});

test("a close-up: shapes on the lines, what is beyond is a stub", () => {
  const scene = closeUp(residual(), [1]);
  expect(scene.boxes.map(({ kind }) => kind)).toEqual(["node", "more", "more"]);
  expect(scene.boxes[0]!.role).toBe("culprit");
  expect(scene.wires.map(({ label }) => label)).toEqual(["1×8×4×4", "1×8×4×4"]);
});

test("a box says what is special, the constants and the name", () => {
  const [conv] = closeUp(residual(), [0]).boxes;
  expect(conv!.lines).toEqual(["kernel_shape 3, 3", "const 1×8×4×4", "/conv0"]);
});

test("ids that are not there are not drawn", () => {
  expect(closeUp(residual(), [1, 1, 99]).places.size).toBe(1);
});

test("arrow keys follow the data", () => {
  const scene = whole(residual());
  const made = arrange(wishFor(scene, 0, { node: 10, rank: 16 }));
  expect(step(scene, made, 0, "ArrowDown")).toBe(1);
  expect(step(scene, made, 1, "ArrowUp")).toBe(0);
  expect(scene.boxes[step(scene, made, 2, "ArrowDown")]!.title).toBe("y");
  expect(step(scene, made, 1, "Enter")).toBe(1);
});

test("long names lose their middle", () => {
  expect(short("abcdefghij", 7)).toBe("abc…hij");
  expect(short("abc", 7)).toBe("abc");
});
