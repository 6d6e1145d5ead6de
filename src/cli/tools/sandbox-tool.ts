import { executeCode } from '../../handlers/tools/execute-code.ts';
import { createSandboxSessions } from '../../handlers/tools/sandbox-sessions.ts';
import { createTurns } from '../../handlers/tools/take-turns.ts';
import { postExecute } from '../../http/tools/post-execute.ts';
import { now } from '../../runtime/clock.ts';
import { proveIsolation } from '../../runtime/sandbox/prove-isolation.ts';
import { pythonSandbox } from '../../runtime/sandbox/run-python.ts';
import type { Tool } from './serve-tool.ts';

/** Programs of one miner that wait: as many as it may send at once. */
const MAX_WAITING = 4;

/** Runs Python without network, environment, files and privileges; where that can't be shown it does not start. */
export const sandboxTool: Tool = {
  name: 'sandbox',
  port: (config) => config.EIREL_SANDBOX_PORT,
  atOnce: 4,
  open: async ({ config, calls, admission, signal }) => {
    const runPython = await pythonSandbox({ signal });
    await proveIsolation(runPython);
    const deps = {
      ...calls,
      runPython,
      sessions: createSandboxSessions(() => performance.now()),
      takeTurn: createTurns(
        { running: config.EIREL_SANDBOX_CONCURRENCY, waiting: MAX_WAITING },
        () => performance.now(),
      ),
      now,
      quota: config.EIREL_SANDBOX_MAX_REQUESTS,
      price: config.EIREL_SANDBOX_PER_EXECUTION_COST_USD,
    };
    const execute = postExecute({
      ...admission('sandbox'),
      execute: (caller, body) => executeCode(caller, body, deps),
    });
    return { routes: [execute], [Symbol.asyncDispose]: () => Promise.resolve() };
  },
};
