import { call, contract } from 'skein';

export const Greeter = contract('greeter', '1.0', { hello: call<string, string>() });
