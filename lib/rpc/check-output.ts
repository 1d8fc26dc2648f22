import { SkeinError } from '../core/errors.js';
import type { Method } from './contract.js';
import type { RpcPorts } from './rpc-ports.js';
import { InvalidInput, validate } from './schema.js';

/** The output as its schema yields it; a violation says that the work ran. */
export const checkOutput = async (
  schema: Method['output'],
  value: unknown,
  { meter }: Pick<RpcPorts, 'meter'>,
): Promise<unknown> => {
  try {
    return await validate(schema, value);
  } catch (error) {
    meter.counter('replies.invalid').total += 1;
    const details = error instanceof InvalidInput ? error.details : { issues: [{ message: 'the schema of the output failed' }] };
    throw new SkeinError('invalid-argument', details, { ran: 'yes', cause: error });
  }
};
