-- Lets the two identities of the deployment into the database. Run once by the Entra ID administrator, for example
--   sqlcmd -S <server>.database.windows.net -d sales -G -i infra/grant-database.sql
--     -v app="id-sales-<environment>" job="id-sales-<environment>-retrain"
-- Where nobody loads tables or trains in the browser, give the app db_datareader alone.
IF NOT EXISTS (SELECT 1 FROM sys.database_principals WHERE name = N'$(app)')
    CREATE USER [$(app)] FROM EXTERNAL PROVIDER;
IF NOT EXISTS (SELECT 1 FROM sys.database_principals WHERE name = N'$(job)')
    CREATE USER [$(job)] FROM EXTERNAL PROVIDER;
ALTER ROLE db_datareader ADD MEMBER [$(app)];
ALTER ROLE db_datawriter ADD MEMBER [$(app)];
ALTER ROLE db_ddladmin ADD MEMBER [$(app)];
ALTER ROLE db_datareader ADD MEMBER [$(job)];
ALTER ROLE db_datawriter ADD MEMBER [$(job)];
ALTER ROLE db_ddladmin ADD MEMBER [$(job)];
