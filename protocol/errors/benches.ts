/** Codes of `blindsight bench`; part of the one registry in ../errors.ts. */
export const BENCH_ERRORS = {
  BENCH_TOOLS: {
    meaning: 'Packages that only the benchmarks need are not installed here.',
    action:
      'Run the command in a clone of the repository: packages for servers and gateways do without them.',
  },
} as const satisfies Record<string, { meaning: string; action: string }>;
