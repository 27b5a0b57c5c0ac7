"""Asks graphql-core, on standard input: does the schema admit each query? Prints a list of complaints for each."""

import json
import sys

from graphql import GraphQLError, build_schema, parse, validate

question = json.load(sys.stdin)
schema = build_schema(question["schema"])
answer = []
for query in question["queries"]:
    try:
        found = [error.message for error in validate(schema, parse(query))]
    except GraphQLError as error:
        found = [error.message]
    answer.append(found)
json.dump(answer, sys.stdout)
