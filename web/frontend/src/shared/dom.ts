// Elements from values: the only way in which these pages make any. Text is always a text node, so that nothing in a
// node name or a log can become markup.

/** What can stand in an element. A function is asked again whenever the language changes. */
export type Child = Node | string | number | (() => string) | null | undefined | false | readonly Child[];

type Handler = (event: never) => void;
export type Attributes = Record<string, string | number | boolean | (() => string) | Handler | null | undefined>;

const SVG = "http://www.w3.org/2000/svg";

/** Makes an element. Attributes that begin with `on` are listeners; `null`, `undefined` and `false` leave one out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes?: Attributes | null,
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return filled(document.createElement(tag), attributes, children);
}

/** Makes an element of a drawing. */
export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes?: Attributes | null,
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return filled(document.createElementNS(SVG, tag) as SVGElementTagNameMap[K], attributes, children);
}

/** Puts children in the place of those that an element has. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren();
  append(element, children);
}

function filled<E extends Element>(element: E, attributes: Attributes | null | undefined, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value as EventListener);
      else keep(element, name, value as () => string);
    } else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(element, child as Child[]);
    else if (typeof child === "function") {
      const text = document.createTextNode("");
      keep(text, "", child as () => string);
      element.append(text);
    } else element.append(child instanceof Node ? child : String(child));
  }
}

/** A text or attribute that depends on the language. */
interface Kept {
  readonly node: WeakRef<Node>;
  readonly attribute: string;
  readonly say: () => string;
}

let kept: Kept[] = [];

function keep(node: Node, attribute: string, say: () => string): void {
  const one = { node: new WeakRef(node), attribute, say };
  kept.push(one);
  put(one);
}

function put({ node, attribute, say }: Kept): boolean {
  const target = node.deref();
  if (!target) return false;
  if (target instanceof Element) target.setAttribute(attribute, say());
  else target.textContent = say();
  return true;
}

/** Asks every function that stands in a living element again. */
export function refresh(): void {
  kept = kept.filter(put);
}
