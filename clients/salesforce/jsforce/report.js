'use strict';
// One line of JSON for each case.

class Report {
  /** Runs one case; its return value is the detail. */
  async run(name, body) {
    const start = performance.now();
    let outcome = 'passed';
    let detail;
    try {
      detail = (await body()) ?? '';
    } catch (error) {
      outcome = 'failed';
      detail = error?.stack ?? String(error);
    }
    const milliseconds = Math.round(performance.now() - start);
    console.log(JSON.stringify({ case: name, outcome, detail, milliseconds }));
  }
}

module.exports = { Report };
