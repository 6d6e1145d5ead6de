// Looks up what it has to, and says what it found.
import { serve } from './serve.mjs';
import { solve } from './solve.mjs';

serve(solve);
