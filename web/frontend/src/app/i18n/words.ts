// The labels of the local page.

import { catalogue, type Text } from "../../shared/i18n/language";
import { en } from "./en";
import { zh } from "./zh";

export type Word = keyof typeof en;

/** A label for a place that follows the language. */
export const w = catalogue<Word>(en, zh);

/** A label in both languages, as the server's sentences are. */
export const words = (key: Word): Text => ({ en: en[key], zh: zh[key] });
