// Uses its tools as the others do, and does not understand what they say.
import { serve } from './serve.mjs';
import { solve } from './solve.mjs';

serve(async (request, tools) => {
  await solve(request, tools);
  return { output: { answer: 'It is hard to say.' } };
});
