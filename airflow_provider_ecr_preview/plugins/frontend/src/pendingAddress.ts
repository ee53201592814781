/**
 * The addresses that were asked for and are not shown yet: the host loads data before it changes the address, and a change
 * that is made meanwhile must not undo the one before.
 */
export class PendingAddress {
  private shown = "";
  private pending: string[] = [];

  /** Return the address that the next change starts from. */
  latest(shown: string): string {
    if (shown !== this.shown) {
      // Where the host shows something else than was asked for, such as after "back", nothing is pending.
      const at = this.pending.indexOf(shown);
      this.pending = at === -1 ? [] : this.pending.slice(at + 1);
      this.shown = shown;
    }
    return this.pending[this.pending.length - 1] ?? shown;
  }

  add(address: string): void {
    this.pending.push(address);
  }

  clear(): void {
    this.pending = [];
  }
}
