/**
 * Work in steps that are short each, some microseconds, so that whoever drives it can let other things happen in between.
 * Its value is the same however it is driven.
 */
export type Steps<A> = Generator<void, A>

/** Does all steps at once. */
export const allSteps = <A>(steps: Steps<A>): A => {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}
