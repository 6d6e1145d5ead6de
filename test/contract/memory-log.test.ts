import { memoryDisk, memoryStore } from '#src/runtime/memory-store.ts';
import { SOURCE } from '../support/recorded-events.ts';
import { logContract } from './log-contract.ts';

logContract('the log in memory', async () => {
  const disk = memoryDisk();
  return {
    store: async () => memoryStore({ name: 'validator', source: SOURCE }, disk),
    [Symbol.asyncDispose]: async () => undefined,
  };
});
