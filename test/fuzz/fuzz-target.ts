import fc from "fast-check";

/** One parser or law under generated inputs: for long by `npm run fuzz`, for a moment by the tests. */
export interface FuzzTarget {
  /** Inputs that one seed stands for. */
  readonly batch: number;
  /** MiB of resident memory that a process which tries nothing else may reach. */
  readonly memoryMiB: number;
  /** Tries `runs` inputs; the same seed makes the same ones. */
  readonly run: (seed: number, runs: number) => Promise<FuzzBatch>;
}

export interface FuzzBatch {
  /** How many inputs were answered, by answer: what was read, or the code of a refusal. */
  readonly answers: ReadonlyMap<string, number>;
  /** The smallest input that was found to be answered wrongly. */
  readonly failure: FuzzFailure | undefined;
}

export interface FuzzFailure {
  /** The input, as the target shows it. */
  readonly input: string;
  readonly error: unknown;
}

export interface FuzzTargetOptions<Input> {
  readonly inputs: fc.Arbitrary<Input>;
  /**
   * Has the input answered, and throws where the answer is wrong: another error than a coded one of
   * ours, two answers that differ, more work or memory than the input is worth.
   */
  readonly answer: (input: Input) => string | Promise<string>;
  readonly show: (input: Input) => string;
  readonly batch: number;
  /** 400 where absent; a bare process has 100. */
  readonly memoryMiB?: number;
}

export function fuzzTarget<Input>(options: FuzzTargetOptions<Input>): FuzzTarget {
  const { inputs, answer, show, batch, memoryMiB = 400 } = options;
  return {
    batch,
    memoryMiB,
    async run(seed, runs) {
      const answers = new Map<string, number>();
      const property = fc.asyncProperty(inputs, async (input) => {
        const answered = await answer(input);
        answers.set(answered, (answers.get(answered) ?? 0) + 1);
      });
      const details = await fc.check(property, { seed, numRuns: runs });
      const { counterexample, errorInstance } = details;
      const failure =
        counterexample === null
          ? undefined
          : { input: show(counterexample[0]), error: errorInstance };
      return { answers, failure };
    },
  };
}
