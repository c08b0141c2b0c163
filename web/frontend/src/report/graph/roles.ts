// Room for the word on a box, whatever language it will be in.

import type { Role } from "../data";
import { en } from "../i18n/en";
import { zh } from "../i18n/zh";
import { FONT, measured } from "./measure";

export const roleWidth = (role: Exclude<Role, "">): number =>
  Math.max(measured(en[`role.${role}`], FONT.line), measured(zh[`role.${role}`], FONT.line));
