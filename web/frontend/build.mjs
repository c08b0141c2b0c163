// Bundles the pages into src/rkmend/report/page/assets, where the package finds them; the files are committed, so that
// neither a user nor a wheel build needs npm. The same sources and lock file give the same bytes.
//   node build.mjs [FOLDER]      another folder, for the test that compares

import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.resolve(process.argv[2] ?? path.join(here, "../../src/rkmend/report/page/assets"));
const pages = { page: "src/report/main.ts", app: "src/app/main.ts" };

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  metafile: true,
  write: false,
  charset: "utf8",
  legalComments: "none",
  target: ["es2022", "chrome109", "firefox115", "safari16.4"],
};
const used = new Set();

/** What a worker runs, as the text of a script: the report is one file, so it starts workers from Blobs. */
const workers = {
  name: "workers",
  setup(bundle) {
    bundle.onResolve({ filter: /^worker:/ }, ({ path: wanted, resolveDir }) => ({
      path: path.resolve(resolveDir, wanted.slice("worker:".length)),
      namespace: "worker",
    }));
    bundle.onLoad({ filter: /.*/, namespace: "worker" }, async ({ path: entry }) => {
      const made = await build({ ...common, format: "iife", entryPoints: [entry] });
      remember(made.metafile);
      return { contents: made.outputFiles[0].text, loader: "text" };
    });
  },
};

function remember(metafile) {
  for (const input of Object.keys(metafile.inputs)) {
    const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found) used.add(found[1]);
  }
}

/** The licences of everything that is in the bundles; a package may hold those it depends on in its own files. */
async function licences() {
  const parts = ["Software of others in page.js and app.js, and its licences.\n"];
  for (const name of used) {
    const { dependencies } = JSON.parse(await readFile(path.join(here, "node_modules", name, "package.json"), "utf8"));
    for (const one of Object.keys(dependencies ?? {})) used.add(one);
  }
  for (const name of [...used].sort()) {
    const folder = path.join(here, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
    const text = await readFile(path.join(folder, "LICENSE"), "utf8");
    parts.push(`${"=".repeat(78)}\n${name} ${version} (${license})\n\n${text.trim()}\n`);
  }
  return parts.join("\n");
}

await mkdir(out, { recursive: true });
for (const [name, entry] of Object.entries(pages)) {
  if (!existsSync(path.join(here, entry))) continue;
  const made = await build({
    ...common,
    format: "iife",
    entryPoints: { [name]: entry },
    outdir: out,
    plugins: [workers],
  });
  remember(made.metafile);
  for (const file of made.outputFiles) {
    await writeFile(file.path, file.contents);
    console.log(`${path.basename(file.path)}  ${file.contents.length.toLocaleString("en")} bytes`);
  }
}
await writeFile(path.join(out, "THIRD-PARTY.txt"), await licences());
