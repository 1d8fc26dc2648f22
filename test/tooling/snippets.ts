/**
 * The code blocks of README.md and docs/*.md, which are checked like any other code:
 *
 * - Every `ts` block is a module of its own and must type-check; `skein` is lib/index.ts there.
 * - `// file: client.ts` as its first line names it: the page's other blocks can import it as './client.js'.
 * - A block whose fence says `ts continue` goes on where the page's `ts` block before it ended.
 * - A `sh` block with lines like `npx tsx client.ts` runs: the page's named blocks are written to one folder, and each line
 *   must end well there. A line that ends in ` &` stays in the background while the others run; it must print something once
 *   it is ready. If the page's next block is a `text` block, it is what the lines without ` &` print together.
 * - Scripts that `sh` blocks name (`npm run check`, `npm test`) must exist in package.json.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Snippet {
  readonly page: string;
  /** Where its first line stands in the page, from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  readonly continues: boolean;
  /** As its `// file:` line says. */
  readonly name: string | undefined;
}

const pagesOf = (root: string): string[] =>
  ['', 'docs/'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md') && !name.endsWith('.api.md'))
      .sort()
      .map((name) => `${folder}${name}`),
  );

const fence = /^(?<indent> *)(?<ticks>`{3,})(?<language>\w*) *(?<more>.*)$/;

/** All code blocks of a page, in order; what is inside of a longer fence belongs to it. */
export const snippetsOf = (page: string, markdown: string): Snippet[] => {
  const lines = markdown.split('\n');
  const snippets: Snippet[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const { indent = '', ticks = '', language = '', more = '' } = fence.exec(lines[at] ?? '')?.groups ?? {};
    if (ticks === '') continue;
    const line = at + 2;
    const inside: string[] = [];
    for (at += 1; at < lines.length && lines[at]?.trim() !== ticks; at += 1) inside.push((lines[at] ?? '').slice(indent.length));
    const name = /^\/\/ file: (\S+\.ts)$/.exec(inside[0] ?? '')?.[1];
    snippets.push({ page, line, language, text: inside.join('\n'), continues: more === 'continue', name });
  }
  return snippets;
};

export const readSnippets = (root: string): Snippet[] =>
  pagesOf(root).flatMap((page) => snippetsOf(page, readFileSync(join(root, page), 'utf8')));

const isShell = ({ language }: Snippet): boolean => language === 'sh' || language === 'bash';

/** What one `sh` block of a page runs. */
export interface Run {
  readonly page: string;
  readonly line: number;
  readonly commands: readonly { readonly args: readonly string[]; readonly background: boolean }[];
  /** By name, the page's named blocks. */
  readonly files: ReadonlyMap<string, string>;
  readonly prints: string | undefined;
}

export const runsOf = (snippets: readonly Snippet[]): Run[] =>
  snippets.flatMap((snippet, index) => {
    const { page, line, text } = snippet;
    const commands = [...text.matchAll(/^npx tsx (.+?)( &)?$/gm)].map(([, args = '', ampersand]) => ({
      args: args.split(' '),
      background: ampersand !== undefined,
    }));
    if (!isShell(snippet) || commands.length === 0) return [];
    const files = snippets
      .filter((other) => other.page === page)
      .flatMap((other) => (other.name ? [[other.name, other.text] as const] : []));
    const next = snippets[index + 1];
    const prints = next?.page === page && next.language === 'text' ? next.text : undefined;
    return [{ page, line, commands, files: new Map(files), prints }];
  });

/** The scripts that a page's `sh` blocks name and package.json has not. */
export const missingScripts = (snippets: readonly Snippet[], scripts: Readonly<Record<string, string>>): string[] =>
  snippets.filter(isShell).flatMap(({ page, line, text }) =>
    [...text.matchAll(/^npm (?:run ([\w:-]+)|(test|start))\b/gm)]
      .map(([, run, short]) => run ?? short ?? '')
      .filter((script) => !Object.hasOwn(scripts, script))
      .map((script) => `${page}:${String(line)} names the script ${script}, which package.json does not have`),
  );
