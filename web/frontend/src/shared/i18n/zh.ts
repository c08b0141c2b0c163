import type { en } from "./en";

/** 每个页面都有的文字。 */
export const zh: Record<keyof typeof en, string> = {
  language: "语言",
  theme: "配色",
  "theme.auto": "自动",
  "theme.light": "浅色",
  "theme.dark": "深色",
  skip: "跳到正文",
  copy: "复制",
  copied: "已复制",
  "copy.failed": "请选中文字后复制",
};
