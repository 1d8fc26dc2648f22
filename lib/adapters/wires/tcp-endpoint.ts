import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { invalidArgument, SkeinError } from '../../core/errors.js';
import type { Endpoint } from './endpoint.js';

const shape = /^tcp:\/\/(?:\[([^\]]+)\]|([^:/[\]]+)):(\d{1,5}|\*)$/;

/**
 * Resolves `tcp://HOST:PORT`; when listening, the host may be `*` (every interface) and the port `*` or 0 (a free one). Names
 * are resolved here, since ZeroMQ would do it in the one thread that carries all messages.
 */
export const tcpEndpoint = async (address: string, purpose: 'dial' | 'listen'): Promise<Endpoint> => {
  const [, bracketed, plain, portText] = shape.exec(address) ?? [];
  const name = bracketed ?? plain;
  const port = portText === '*' ? 0 : Number(portText);
  const isOpen = purpose === 'listen';
  if (name === undefined || port > 65_535 || (!isOpen && (port === 0 || name === '*'))) {
    throw invalidArgument(
      `"${address}" cannot be used to ${purpose}: write tcp://HOST:PORT${isOpen ? ', or * for a free port' : ''}`,
    );
  }
  const host = name === '*' ? '*' : await resolve(name, address);
  const isIpv6 = isIP(host) === 6;
  return { endpoint: `tcp://${isIpv6 ? `[${host}]` : host}:${port === 0 ? '*' : String(port)}`, isIpv6 };
};

const resolve = async (name: string, address: string): Promise<string> => {
  if (isIP(name) !== 0) return name;
  try {
    return (await lookup(name)).address;
  } catch (cause) {
    throw new SkeinError('undeliverable', { reason: `${address}: the name ${name} is not known` }, { cause });
  }
};
