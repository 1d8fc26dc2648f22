import js from '@eslint/js';
import rxjs from 'eslint-plugin-rxjs-x';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { ambient } from './test/tooling/ambient.js';
import { explicitScheduler } from './test/tooling/explicit-scheduler.js';

/** How lib/ is written: named exports, arrow functions, classes with #private fields. */
const houseSyntax = [
  { selector: 'ExportDefaultDeclaration', message: 'Export it by name.' },
  { selector: "[accessibility='private']:not([kind='constructor'])", message: 'Use a #private name.' },
  {
    // Generators and functions with a `this` have no arrow form.
    selector: "FunctionDeclaration[generator=false]:not([params.0.name='this'])",
    message: 'Write it as an arrow function.',
  },
];

export default defineConfig(
  globalIgnores(['.tmp', '.cache/', 'coverage/', 'dist/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    rules: {
      curly: ['error', 'multi-line'],
      eqeqeq: 'error',
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx', 'hack'] }],
      'object-shorthand': 'error',
      'prefer-template': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked, rxjs.configs.strict],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // A mapped type that is readonly reads better than the two utility types that would say it.
      '@typescript-eslint/consistent-indexed-object-style': 'off',
      // `typeof import('…')` is the type of a module that is loaded late.
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      // `(value) => subscriber.next(value)` is how one stream feeds another.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // TypeScript keeps a field narrowed across the very calls that change it, so what this rule finds needless is not.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // It asks for `!`, which another rule forbids.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // What was caught is unknown, and must be able to travel on.
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true }],
      'rxjs-x/throw-error': ['error', { allowThrowingUnknown: true }],
    },
  },
  {
    files: ['lib/**/*.ts'],
    plugins: { skein: { rules: { 'explicit-scheduler': explicitScheduler } } },
    rules: {
      // Around 200 and 40 is the aim; closures that make one operator together count as one function here, hence the margin.
      'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'no-console': 'error',
      'no-restricted-globals': ['error', ...ambient.globals],
      'no-restricted-imports': ['error', { paths: ambient.paths }],
      'no-restricted-properties': ['error', ...ambient.properties],
      'no-restricted-syntax': ['error', ...houseSyntax, ...ambient.syntax],
      'skein/explicit-scheduler': 'error',
    },
  },
  {
    files: ['lib/{core,ports,operators,actors,mesh,rpc}/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...ambient.globals,
        { name: 'process', message: 'Only adapters, node/ and cli/ know the process that they run in.' },
      ],
    },
  },
  {
    // The real world's adapters; the simulated ones are bound like the rest of lib/, but for what puts virtual time in the place of real time, and
    // what reads from where it is run.
    files: ['lib/adapters/**/*.ts', 'lib/testing/time/virtual-globals.ts', 'lib/testing/see-again.ts'],
    ignores: ['lib/adapters/memory/**', 'lib/adapters/sim/!(virtual-clock).ts'],
    rules: {
      'no-restricted-globals': 'off',
      'no-restricted-imports': 'off',
      'no-restricted-properties': 'off',
      'no-restricted-syntax': ['error', ...houseSyntax],
      'skein/explicit-scheduler': 'off',
    },
  },
  {
    files: ['lib/cli/**/*.ts'],
    rules: {
      'no-console': 'off',
      // The command line is a process of its own.
      'no-restricted-properties': ['error', ...ambient.properties.filter(({ object }) => object !== 'process')],
    },
  },
  {
    files: ['{test,examples}/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', name: 'test', package: 'node:test' }] },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'MemberExpression[object.name=/^(describe|it|test)$/][property.name=/^(fails|only|skip|skipIf|todo)$/]',
          message: 'Every test runs, always.',
        },
      ],
      // A handler or a fake may be async, or empty, only because its type says so.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      // What nobody handles fails the test, as it should.
      'rxjs-x/no-ignored-error': 'off',
      'rxjs-x/no-ignored-default-value': 'off',
    },
  },
);
