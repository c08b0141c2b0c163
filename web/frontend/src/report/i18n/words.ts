// Labels of the report.

import { catalogue } from "../../shared/i18n/language";
import { en } from "./en";
import { zh } from "./zh";

export const w = catalogue(en, zh);
export type Word = keyof typeof en;
