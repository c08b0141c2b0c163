// Lays out beside the page, which goes on answering.

import { arrange, type Wish } from "./arrange";

self.onmessage = ({ data }: MessageEvent<Wish>): void => self.postMessage(arrange(data));
