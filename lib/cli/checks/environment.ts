import { isSkeinError } from '../../core/errors.js';
import { planNode, variables } from '../../node/options.js';
import { defaults } from '../../node/settings.js';
import type { Finding } from '../finding.js';

type Variables = Readonly<Record<string, string | undefined>>;

const check = 'environment';

/** Whether the variables that begin with `SKEIN_` mean something. Their values may be secret, and are told only where they are wrong. */
export const checkEnvironment = (environment: Variables): Finding[] => {
  const set = Object.keys(environment).filter((name) => name.startsWith('SKEIN_'));
  const unknown = set
    .filter((name) => !variables.includes(name))
    .map((name): Finding => ({
      check,
      status: 'warn',
      found: `${name} is not known, and has no effect`,
      advice: `Known are ${variables.join(', ')}.`,
    }));
  const wrong = problemsOf(environment).map((problem): Finding => ({
    check,
    status: 'fail',
    found: problem,
    advice: 'Correct the variable, or unset it: as it is, no node starts.',
  }));
  const found = set.length === 0 ? 'no SKEIN_… variable is set' : `${set.sort().join(', ')} can be read`;
  return wrong.length + unknown.length > 0 ? [...wrong, ...unknown] : [{ check, status: 'ok', found }];
};

/** The most links that a node of this environment has open. */
export const linksMaxIn = (environment: Variables): number => {
  try {
    return planNode({}, environment).settings.linksMax ?? defaults.linksMax;
  } catch {
    return defaults.linksMax;
  }
};

const problemsOf = (environment: Variables): readonly string[] => {
  try {
    planNode({}, environment);
    return [];
  } catch (error) {
    if (isSkeinError(error, 'invalid-argument')) return error.details.issues.map(({ message }) => message);
    throw error;
  }
};
