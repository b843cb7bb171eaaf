DROP TABLE views;
DROP TABLE bulk_results;
DROP TABLE bulk_actions;
