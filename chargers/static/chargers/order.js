// The page of an order: whoever chooses one gets an example of its arguments.
"use strict";
const kind = document.getElementById("id_kind");
const field = document.getElementById("id_arguments");
const examples = JSON.parse(document.getElementById("examples").textContent);
kind.addEventListener("change", () => {
  field.value = JSON.stringify(examples[kind.value] ?? {}, null, 2);
});
