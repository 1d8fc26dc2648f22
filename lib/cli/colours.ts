import pc from 'picocolors';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Whether to colour what goes to that stream: no-color.org first, then force-color.org, then whether a person sees it (`isTTY`, which
 * is missing of a stream that is no terminal).
 */
export const wantsColour = ({ NO_COLOR = '', FORCE_COLOR, TERM }: Environment, isTerminal: boolean | undefined): boolean => {
  if (NO_COLOR !== '') return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return isTerminal === true && TERM !== 'dumb';
};

/** For what is printed on stdout. */
export const colours = pc.createColors(wantsColour(process.env, process.stdout.isTTY));
