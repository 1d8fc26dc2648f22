import { dirname, join } from 'node:path';
import ts from 'typescript';
import type { Snippet } from './snippets.js';

/** A snippet as a file of the program: what it continues comes first. */
interface Module {
  readonly snippet: Snippet;
  readonly path: string;
  readonly text: string;
  /** Lines of the text that stand before the snippet's own. */
  readonly before: number;
}

const modulesOf = (root: string, snippets: readonly Snippet[]): Module[] => {
  const modules: Module[] = [];
  for (const snippet of snippets.filter(({ language }) => language === 'ts')) {
    const last = modules.at(-1);
    const first = snippet.continues && last?.snippet.page === snippet.page ? `${last.text}\n` : '';
    const path = join(root, '.cache/snippets', snippet.page, snippet.name ?? `line-${String(snippet.line)}.ts`);
    modules.push({ snippet, path, text: first + snippet.text, before: first.split('\n').length - 1 });
  }
  return modules;
};

const optionsOf = (root: string): ts.CompilerOptions => {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as { config: unknown };
  return ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, root).options;
};

/** The disk, with the modules as if they were on it. */
const hostWith = (modules: readonly Module[], options: ts.CompilerOptions): ts.CompilerHost => {
  const host = ts.createCompilerHost(options);
  const texts = new Map(modules.map(({ path, text }) => [path, text]));
  const folders = new Set(modules.map(({ path }) => dirname(path)));
  return {
    ...host,
    fileExists: (path) => texts.has(path) || host.fileExists(path),
    directoryExists: (path) => folders.has(path) || ts.sys.directoryExists(path),
    readFile: (path) => texts.get(path) ?? host.readFile(path),
    getSourceFile: (path, version, ...rest) => {
      const text = texts.get(path);
      return text === undefined ? host.getSourceFile(path, version, ...rest) : ts.createSourceFile(path, text, version, true);
    },
  };
};

/** What the compiler has against the `ts` snippets, each line with its place in the page. */
export const typeProblems = (root: string, snippets: readonly Snippet[]): string[] => {
  const modules = modulesOf(root, snippets);
  const twice = modules.filter(({ path }, index) => modules.findIndex((other) => other.path === path) !== index);
  if (twice.length > 0) {
    return twice.map(({ snippet: { page, line, name } }) => `${page}:${String(line)} is a second ${name ?? ''}`);
  }

  const options: ts.CompilerOptions = { ...optionsOf(root), moduleDetection: ts.ModuleDetectionKind.Force };
  const program = ts.createProgram({
    rootNames: modules.map(({ path }) => path),
    options,
    host: hostWith(modules, options),
  });
  return modules.flatMap(({ snippet: { page, line }, path, before }) => {
    const source = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].flatMap((problem) => {
      const at = source?.getLineAndCharacterOfPosition(problem.start ?? 0).line ?? 0;
      const message = ts.flattenDiagnosticMessageText(problem.messageText, '\n');
      return at < before ? [] : [`${page}:${String(line + at - before)} TS${String(problem.code)}: ${message}`];
    });
  });
};
