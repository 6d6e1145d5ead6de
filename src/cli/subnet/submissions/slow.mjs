// As able as the honest one, and slower than half of the time that a task has wherever it searches.
import { setTimeout } from 'node:timers/promises';
import { serve } from './serve.mjs';
import { solve } from './solve.mjs';

const PAUSE_MS = 8_000;

serve(async (request, tools) => {
  if (request.web_search) await setTimeout(PAUSE_MS);
  return solve(request, tools);
});
