import { z } from 'zod';

// Zod compiles schemas from text where it may; the page's policy forbids that, and a refusal would be reported.
// Imported before every schema.
z.config({ jitless: true });
