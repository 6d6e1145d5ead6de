import { requestCommand } from '../../runtime/commands.ts';
import type { Input, Io } from '../command.ts';
import { connectOperator } from '../connect-operator.ts';
import { EXIT } from '../exit-codes.ts';
import { printable } from '../printable.ts';

/** Has the running owner's service do something, and prints what came of it. Gives the exit code. */
export async function askOwner(
  input: Input,
  io: Io,
  command: string,
  payload: object,
): Promise<number> {
  await using operator = await connectOperator(io);
  tellMembers(
    input,
    io,
    await requestCommand(operator.nc, command, JSON.stringify(payload), 'owner'),
  );
  return EXIT.ok;
}

/** Prints one JSON document, or its members in one line for people. */
export function tellMembers(input: Input, io: Io, result: unknown): void {
  io.out(`${input.flag('json') ? JSON.stringify(result) : membersLine(result)}\n`);
}

/** The members of a value in one line for people. */
export function membersLine(value: unknown): string {
  const members = Object.entries(value ?? {}).map(([name, member]) => `${name} ${String(member)}`);
  return printable(members.join(', '));
}
