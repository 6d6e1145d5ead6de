import { z } from 'zod';
import { AppError } from '../errors.ts';
import { FAULTS, type FaultTarget } from './fault-table.ts';
import { type Method, method } from './rpc-method.ts';

type Faults = typeof FAULTS;
type Name = keyof Faults;

/** Faults on demand; each function says in `faultHelp` what it does. Throws `input.invalid`. */
export type FaultControl = {
  readonly [Key in Name]: (
    ...params: z.input<Faults[Key]['params']>
  ) => ReturnType<Faults[Key]['run']>;
};

export function faultControl(target: FaultTarget): FaultControl {
  const control = Object.entries(FAULTS).map(([name, { params, run }]) => {
    const act = (...given: unknown[]): unknown => {
      const parsed = params.safeParse(given);
      if (!parsed.success)
        throw new AppError('input.invalid', {
          field: name,
          value: given,
          expected: z.prettifyError(parsed.error),
        });
      // safe: `entry` ties the parameters of `run` to its schema, which they have just passed
      return (run as Run)(target, ...parsed.data);
    };
    return [name, act] as const;
  });
  // safe: one function for each name, with the parameters and the result of its entry
  return Object.fromEntries(control) as FaultControl;
}

/** The same over JSON-RPC: each answers the best block's number. */
export function faultMethods({ node }: FaultTarget, control: FaultControl): Record<string, Method> {
  const methods = Object.entries(FAULTS).map(([name, { params }]) => [
    `dev_${name}`,
    method(params, async (given) => {
      // safe: the name is one of the table's, and its schema has just parsed the parameters
      await (control[name as Name] as (...given: unknown[]) => unknown)(...given);
      return { result: node.blocks.best().number };
    }),
  ]);
  return Object.fromEntries(methods);
}

/** Each fault with its parameters, those in square brackets to be left out at will, and what it does. */
export function faultHelp(): string {
  return Object.entries(FAULTS)
    .map(([name, { usage, help }]) => `  ${`dev_${name} ${usage}`.trimEnd()}\n      ${help}`)
    .join('\n');
}

type Run = (target: FaultTarget, ...params: unknown[]) => unknown;
