import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { typeProblems } from './snippet-types.js';
import { missingScripts, readSnippets } from './snippets.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> };

const snippets = readSnippets(root);
const problems = [...typeProblems(root, snippets), ...missingScripts(snippets, scripts)];
for (const problem of problems) console.error(problem);
console.log(`${String(snippets.length)} code blocks, ${String(problems.length)} problems`);
if (problems.length > 0) process.exitCode = 1;
