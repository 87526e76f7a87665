'use strict';
// Drives the simulator with jsforce, as a program that uses jsforce would. Prints one line of JSON for each case.
//
// node conformance.js --simulator http://127.0.0.1:7460 --key key.pem --certificate certificate.pem

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const { parseArgs } = require('node:util');
const jsforce = require('jsforce');
const { fetch: undiciFetch } = require('undici');
const { Report } = require('./report');
const { Simulator } = require('./simulator');

const VERSION = '67.0';
const LOGIN = 'https://login.salesforce.com';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const REDIRECT = 'https://client.example/callback';

/** Returns what a promise was rejected with. */
async function rejection(promise) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  assert.fail(`this should have been refused: ${JSON.stringify(value)}`);
}

function connection(org, more = {}) {
  return new jsforce.Connection({ version: VERSION, ...more, oauth2: oauth2(org, more.oauth2) });
}

function oauth2(org, more = {}) {
  return { loginUrl: org.url, clientId: org.app.client_id, clientSecret: org.app.client_secret, ...more };
}

async function loggedIn(org, more) {
  const conn = connection(org, more);
  await conn.authorize({ grant_type: 'client_credentials' });
  return conn;
}

/** What the caller learns of a login: the org, where it answers, and that the token works. */
async function checkLogin(org, conn, userInfo) {
  assert.equal(userInfo.organizationId, org.id);
  assert.match(userInfo.id, /^005\w{15}$/);
  assert.equal(conn.instanceUrl, org.url);
  const found = await conn.query('SELECT Id FROM Contact LIMIT 1');
  assert.equal(found.done, true);
}

function people(count, members) {
  return Array.from({ length: count }, (_, index) => members(index));
}

/** Fails unless every result but those named succeeded, each at its own place. */
function checkResults(results, count, failures) {
  assert.equal(results.length, count);
  results.forEach((result, index) => {
    const failure = failures[index];
    if (failure === undefined) {
      assert.deepEqual(result.errors, [], `place ${index}`);
      assert.equal(result.success, true);
      assert.match(result.id, /^003\w{15}$/);
    } else {
      assert.equal(result.success, false, `place ${index}`);
      assert.equal(result.errors[0].statusCode, failure.statusCode);
      assert.deepEqual(result.errors[0].fields, failure.fields);
    }
  });
}

const BAD_EMAIL = { statusCode: 'INVALID_EMAIL_ADDRESS', fields: ['Email'] };
const NO_LAST_NAME = { statusCode: 'REQUIRED_FIELD_MISSING', fields: ['LastName'] };

function assertion(org, key, more = {}) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    iss: org.app.client_id,
    sub: org.user.username,
    aud: LOGIN,
    exp: Math.floor(Date.now() / 1000) + 180,
    ...more,
  };
  const text = `${encode({ alg: 'RS256' })}.${encode(claims)}`;
  return `${text}.${crypto.sign('RSA-SHA256', Buffer.from(text), key).toString('base64url')}`;
}

const cases = {
  async token_password({ org }) {
    const conn = connection(org, { loginUrl: LOGIN, oauth2: { loginUrl: LOGIN } });
    const { username, password, security_token } = org.user;
    await checkLogin(org, conn, await conn.login(username, password + security_token));
    const error = await rejection(connection(org).login(username, password));
    assert.equal(error.name, 'invalid_grant');
    assert.equal(error.message, 'authentication failure');
  },

  async token_client_credentials({ org }) {
    const conn = connection(org);
    await checkLogin(org, conn, await conn.authorize({ grant_type: 'client_credentials' }));
    const wrong = connection(org, { oauth2: { clientSecret: 'wrong' } });
    const error = await rejection(wrong.authorize({ grant_type: 'client_credentials' }));
    assert.equal(error.name, 'invalid_client');
  },

  async token_jwt_bearer({ org, key }) {
    const unnamed = { loginUrl: LOGIN, clientId: undefined, clientSecret: undefined };
    const conn = connection(org, { oauth2: unnamed });
    const userInfo = await conn.authorize({ grant_type: JWT_BEARER, assertion: assertion(org, key) });
    await checkLogin(org, conn, userInfo);
    const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
    const refused = connection(org, { oauth2: unnamed });
    const error = await rejection(
      refused.authorize({ grant_type: JWT_BEARER, assertion: assertion(org, privateKey) }),
    );
    assert.equal(error.name, 'invalid_grant');
  },

  async token_refresh({ org }) {
    const refreshToken = await org.refreshToken(org.user.username);
    const client = new jsforce.OAuth2(oauth2(org));
    const tokens = await client.refreshToken(refreshToken);
    assert.equal(tokens.instance_url, org.url);
    const conn = connection(org, { instanceUrl: tokens.instance_url, accessToken: tokens.access_token });
    assert.equal((await conn.identity()).organization_id, org.id);
    const error = await rejection(client.refreshToken('5Aep861unknown'));
    assert.equal(error.name, 'invalid_grant');
  },

  async token_authorization_code({ org, simulator }) {
    const conn = connection(org, { oauth2: { redirectUri: REDIRECT, useVerifier: true } });
    const page = conn.oauth2.getAuthorizationUrl({ scope: 'api refresh_token', login_hint: org.user.username });
    const answer = await undiciFetch(page, { redirect: 'manual', dispatcher: simulator.agent });
    assert.equal(answer.status, 302, await answer.text());
    const back = new URL(answer.headers.get('location'));
    assert.equal(back.origin + back.pathname, REDIRECT);
    const code = back.searchParams.get('code');
    await checkLogin(org, conn, await conn.authorize(code));
    assert.ok(conn.refreshToken, 'a refresh token comes with it');
    assert.equal((await rejection(conn.oauth2.requestToken(code))).name, 'invalid_grant');
  },

  async identity({ org }) {
    const conn = await loggedIn(org);
    const identity = await conn.identity();
    assert.equal(identity.organization_id, org.id);
    assert.equal(identity.user_id, conn.userInfo.id);
    assert.equal(identity.username, org.user.username);
  },

  async describe({ org }) {
    const conn = await loggedIn(org);
    const contact = await conn.sobject('Contact').describe();
    assert.equal(contact.keyPrefix, '003');
    const field = (name) => contact.fields.find((candidate) => candidate.name === name);
    assert.equal(field('Crm_Key__c').externalId, true);
    assert.equal(field('Crm_Key__c').unique, true);
    assert.equal(field('Email').idLookup, true);
    assert.equal(field('Segments__c').length, 32768);
    assert.equal(field('LastName').nillable, false);
    const error = await rejection(conn.sobject('Nothing__c').describe());
    assert.equal(error.errorCode, 'NOT_FOUND');
  },

  async query({ org }) {
    const ids = await org.seed('Contact', people(3, (index) => ({ LastName: `Query ${index}` })));
    const conn = await loggedIn(org);
    const list = ids.map((id) => `'${id}'`).join(', ');
    const found = await conn.query(`SELECT Id, LastName FROM Contact WHERE Id IN (${list})`);
    assert.equal(found.totalSize, 3);
    assert.deepEqual(new Set(found.records.map((record) => record.Id)), new Set(ids));
    const one = await conn.sobject('Contact').retrieve(ids[1]);
    assert.equal(one.LastName, 'Query 1');
    const error = await rejection(conn.query('SELECT Nope__c FROM Contact'));
    assert.equal(error.errorCode, 'INVALID_FIELD');
  },

  async create_200({ org }) {
    const conn = await loggedIn(org);
    const records = people(200, (index) => ({ LastName: `Create ${index}`, Email: `create.${index}@example.com` }));
    records[50].Email = 'nope';
    delete records[150].LastName;
    const results = await conn.sobject('Contact').create(records);
    checkResults(results, 200, { 50: BAD_EMAIL, 150: NO_LAST_NAME });
    const last = await conn.sobject('Contact').retrieve(results[199].id);
    assert.equal(last.LastName, 'Create 199');
  },

  async update_200({ org }) {
    const ids = await org.seed('Contact', people(200, (index) => ({ LastName: `Update ${index}` })));
    const conn = await loggedIn(org);
    const records = people(200, (index) => ({ Id: ids[index], Title: `Title ${index}` }));
    records[0].Email = 'nope';
    records[199].LastName = null;
    const results = await conn.sobject('Contact').update(records);
    checkResults(results, 200, { 0: BAD_EMAIL, 199: NO_LAST_NAME });
    assert.deepEqual(results.slice(1, 199).map((result) => result.id), ids.slice(1, 199));
    assert.equal((await conn.sobject('Contact').retrieve(ids[7])).Title, 'Title 7');
    assert.equal((await conn.sobject('Contact').retrieve(ids[0])).Title, null);
  },

  async upsert_200({ org }) {
    const known = people(100, (index) => ({ LastName: `Known ${index}`, Crm_Key__c: `u-${index}` }));
    const ids = await org.seed('Contact', known);
    const conn = await loggedIn(org);
    const records = people(200, (index) => ({ Crm_Key__c: `u-${index}`, LastName: `Upsert ${index}` }));
    records[3].Email = 'nope';
    delete records[150].LastName;
    const results = await conn.sobject('Contact').upsert(records, 'Crm_Key__c');
    checkResults(results, 200, { 3: BAD_EMAIL, 150: NO_LAST_NAME });
    results.forEach((result, index) => {
      if (result.success) assert.equal(result.created, index >= 100, `place ${index}`);
    });
    assert.equal(results[99].id, ids[99]);
  },

  async over_200({ org }) {
    const conn = await loggedIn(org);
    const records = people(201, (index) => ({ LastName: 'Over', Crm_Key__c: `over-${index}` }));
    const refused = [
      await rejection(conn.sobject('Contact').create(records)),
      await rejection(conn.sobject('Contact').upsert(records, 'Crm_Key__c')),
    ];
    for (const error of refused) assert.match(error.message, /more than 200 records/);
    // Nothing was stored, so that each is created now: in two calls, which jsforce makes of it when it may.
    const results = await conn.sobject('Contact').upsert(records, 'Crm_Key__c', { allowRecursive: true });
    checkResults(results, 201, {});
    assert.ok(results.every((result) => result.created));
    return refused[0].errorCode;
  },

  async upsert_created_then_updated({ org }) {
    const conn = await loggedIn(org);
    const contacts = conn.sobject('Contact');
    const created = await contacts.upsert({ Crm_Key__c: 'one', LastName: 'First' }, 'Crm_Key__c');
    assert.deepEqual(created, { id: created.id, success: true, errors: [], created: true });
    const updated = await contacts.upsert({ Crm_Key__c: 'one', LastName: 'Second' }, 'Crm_Key__c');
    assert.deepEqual(updated, { id: created.id, success: true, errors: [], created: false });
    assert.equal((await contacts.retrieve(created.id)).LastName, 'Second');
    // The same in collections.
    const [again] = await contacts.upsert([{ Crm_Key__c: 'one', LastName: 'Third' }], 'Crm_Key__c');
    assert.equal(again.id, created.id);
    assert.equal(again.created, false);
  },

  async upsert_ambiguous({ org }) {
    const ids = await org.seed('Contact', people(2, () => ({ LastName: 'Twin', Loose_Key__c: 'twin' })));
    const conn = await loggedIn(org);
    const contacts = conn.sobject('Contact');
    const error = await rejection(contacts.upsert({ Loose_Key__c: 'twin', LastName: 'Changed' }, 'Loose_Key__c'));
    assert.equal(error.errorCode, 'MULTIPLE_CHOICES');
    assert.equal(error.data.length, 2);
    const [result] = await contacts.upsert([{ Loose_Key__c: 'twin', LastName: 'Changed' }], 'Loose_Key__c');
    assert.equal(result.errors[0].statusCode, 'DUPLICATE_EXTERNAL_ID');
    for (const id of ids) assert.equal((await contacts.retrieve(id)).LastName, 'Twin');
  },

  async null_blanks({ org }) {
    const [id] = await org.seed('Contact', [{ LastName: 'Blank', Title: 'Dr', Department: 'Kept' }]);
    const conn = await loggedIn(org);
    const result = await conn.sobject('Contact').update({ Id: id, Title: null });
    assert.deepEqual(result, { id, success: true, errors: [] });
    const record = await conn.sobject('Contact').retrieve(id);
    assert.equal(record.Title, null);
    assert.equal(record.Department, 'Kept');
    const [many] = await conn.sobject('Contact').update([{ Id: id, Department: null }]);
    assert.equal(many.success, true);
    assert.equal((await conn.sobject('Contact').retrieve(id)).Department, null);
  },

  async unknown_field({ org }) {
    const conn = await loggedIn(org);
    const contacts = conn.sobject('Contact');
    const records = [{ LastName: 'Good', Crm_Key__c: 'unknown-1' }, { LastName: 'Bad', Nope__c: 1 }];
    const error = await rejection(contacts.create(records));
    assert.equal(error.errorCode, 'INVALID_FIELD');
    assert.match(error.message, /No such column 'Nope__c' on sobject of type Contact/);
    const single = await rejection(contacts.create({ LastName: 'Bad', Nope__c: 1 }));
    assert.equal(single.errorCode, 'INVALID_FIELD');
    // Nothing was stored, the good record neither.
    const [result] = await contacts.upsert([records[0]], 'Crm_Key__c');
    assert.equal(result.created, true);
  },

  async duplicate_key({ org }) {
    const conn = await loggedIn(org);
    const records = ['twice', 'once', 'twice'].map((key) => ({ Crm_Key__c: key, LastName: 'Duplicate' }));
    const results = await conn.sobject('Contact').upsert(records, 'Crm_Key__c');
    assert.deepEqual(results.map((result) => result.success), [false, true, false]);
    assert.equal(results[0].errors[0].statusCode, 'DUPLICATE_VALUE');
    assert.match(results[2].errors[0].message, /Duplicate external id specified: twice/);
  },

  async session_expired({ org }) {
    const { accessToken } = await loggedIn(org);
    // Without a client id or a refresh function, jsforce has no way to a new session.
    const conn = new jsforce.Connection({ version: VERSION, instanceUrl: org.url, accessToken });
    await conn.sobject('Contact').describe();
    await org.expireSessions();
    const error = await rejection(conn.sobject('Contact').describe());
    assert.equal(error.errorCode, 'INVALID_SESSION_ID');
    assert.equal(error.message, 'Session expired or invalid');
  },

  async session_refreshed({ org }) {
    let refreshes = 0;
    const refreshFn = async (conn, callback) => {
      refreshes += 1;
      const fresh = await loggedIn(org);
      callback(null, fresh.accessToken);
    };
    const { accessToken } = await loggedIn(org);
    const conn = new jsforce.Connection({ version: VERSION, instanceUrl: org.url, accessToken, refreshFn });
    await org.expireSessions();
    const writes = people(3, (index) => conn.sobject('Contact').create([{ LastName: `Refreshed ${index}` }]));
    for (const [result] of await Promise.all(writes)) assert.equal(result.success, true);
    assert.equal(refreshes, 1);
    assert.notEqual(conn.accessToken, accessToken);

    // By its refresh token, without a function of ours.
    const refreshToken = await org.refreshToken(org.user.username);
    const own = connection(org, { instanceUrl: org.url, accessToken: conn.accessToken, refreshToken });
    await org.expireSessions();
    assert.equal((await own.sobject('Contact').describe()).name, 'Contact');
    assert.notEqual(own.accessToken, conn.accessToken);
  },

  async row_lock({ slowOrg }) {
    const [account] = await slowOrg.seed('Account', [{ Name: 'Shared' }]);
    const people = [1, 2].map((number) => ({ LastName: `Lock ${number}`, AccountId: account }));
    const ids = await slowOrg.seed('Contact', people);
    const conn = await loggedIn(slowOrg);
    const update = (id) => conn.sobject('Contact').update([{ Id: id, Title: 'Locked' }]);
    const results = (await Promise.all(ids.map(update))).flat();
    const [winners, losers] = [true, false].map((success) => results.filter((result) => result.success === success));
    assert.equal(winners.length, 1, JSON.stringify(results));
    assert.equal(losers[0].errors[0].statusCode, 'UNABLE_TO_LOCK_ROW');
    const loser = ids.find((id) => id !== winners[0].id);
    const [again] = await update(loser);
    assert.equal(again.success, true);
  },

  async limits({ org }) {
    const conn = await loggedIn(org);
    const before = await conn.limits();
    assert.equal(before.DailyApiRequests.Max, 100_000);
    await conn.sobject('Contact').describe();
    const after = await conn.limits();
    assert.equal(after.DailyApiRequests.Remaining, before.DailyApiRequests.Remaining - 2);
    const { used, limit } = conn.limitInfo.apiUsage;
    assert.equal(limit, 100_000);
    assert.equal(used, 100_000 - after.DailyApiRequests.Remaining);
  },

  async bulk_upsert({ org }) {
    const [known] = await org.seed('Contact', [{ LastName: 'Known', Crm_Key__c: 'bulk-0', Title: 'Old' }]);
    const conn = await loggedIn(org);
    const input = people(20, (index) => ({ Crm_Key__c: `bulk-${index}`, LastName: `Bulk, "${index}"`, Title: 'New' }));
    input[0].Title = null;
    input[7].LastName = null;
    const { successfulResults, failedResults, unprocessedRecords } = await conn.bulk2.loadAndWaitForResults({
      object: 'Contact',
      operation: 'upsert',
      externalIdFieldName: 'Crm_Key__c',
      input,
      pollInterval: 100,
      pollTimeout: 20_000,
    });
    assert.equal(successfulResults.length, 19);
    assert.deepEqual(unprocessedRecords, []);
    const updated = successfulResults.filter((row) => row.sf__Created === 'false');
    assert.deepEqual(updated.map((row) => row.sf__Id), [known]);
    assert.equal(failedResults.length, 1);
    assert.equal(failedResults[0].Crm_Key__c, 'bulk-7');
    assert.match(failedResults[0].sf__Error, /^REQUIRED_FIELD_MISSING:Required fields are missing: \[LastName\]:LastName --/);
    const contact = await conn.sobject('Contact').retrieve(known);
    assert.equal(contact.LastName, 'Bulk, "0"');
    assert.equal(contact.Title, null);
  },

  async revoke({ org }) {
    const conn = await loggedIn(org);
    const { accessToken } = conn;
    await conn.logout();
    assert.equal(conn.accessToken, null);
    const orphan = new jsforce.Connection({ version: VERSION, instanceUrl: org.url, accessToken });
    const error = await rejection(orphan.sobject('Contact').describe());
    assert.equal(error.errorCode, 'INVALID_SESSION_ID');
  },
};

async function main() {
  const text = { type: 'string' };
  const { values } = parseArgs({ options: { simulator: text, key: text, certificate: text, only: text } });
  const key = fs.readFileSync(values.key, 'utf8');
  const simulator = new Simulator(values.simulator, fs.readFileSync(values.certificate, 'utf8'));
  const org = await simulator.createOrg('jsforce.my.salesforce.com');
  // Each answer takes longer than a lock is waited for.
  const slowOrg = await simulator.createOrg('jsforce-locks.my.salesforce.com', { latency_ms: 600, lock_wait_ms: 100 });
  const report = new Report();
  for (const [name, body] of Object.entries(cases)) {
    if (values.only === undefined || values.only === name) {
      await report.run(name, () => body({ org, slowOrg, simulator, key }));
    }
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
